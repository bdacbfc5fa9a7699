"""THE WIRE. Octets to commands, chunks and addresses, as SMTP and its neighbours write them. Decides nothing."""
