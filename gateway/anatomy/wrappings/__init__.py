"""WRAPPINGS. Formats that carry a file through mail inside something else: TNEF, S/MIME, data URIs, scripts."""
