"""AUTHENTICATION. Who a message is from: SPF, DKIM, ARC, DMARC. Each says its RFC; none decides."""
