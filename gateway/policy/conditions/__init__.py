"""What a condition may ask, and how it is asked: the variables, their readers, CEL."""
