"""The atlas: passports of all units of chosen layers over a data set, in one file, browsed as static pages."""
