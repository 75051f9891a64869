"""How fast the encoding engine is on this machine, beside others."""
