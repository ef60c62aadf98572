"""What leads to an object: the links of an object, the chains to it, and when it died."""
