"""WORDS. What mail is made of: addresses, envelopes, octets, header fields, replies. Pure: no sockets, clock, files
or logging."""
