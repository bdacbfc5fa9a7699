"""Who works in the office: accounts, signing in, sessions, one-use tickets."""
