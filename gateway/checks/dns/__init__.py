"""DNS. Questions and answers, their cache, the name server, and synchronous code run over answers."""
