"""What this site taught: the ledger of lessons, the layer learnt from them, its gate and its versions."""
