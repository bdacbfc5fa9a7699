"""Where shortened links lead: asked of the known shorteners alone, and of no other host."""
