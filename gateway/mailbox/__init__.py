"""THE SHIPPED STORE. A rootless Dovecot, configured, started and watched by us, and our user base."""
