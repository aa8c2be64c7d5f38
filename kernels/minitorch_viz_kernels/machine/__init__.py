"""What is no kernel: the choice of a rung, checks, threads, memory, vectors, compiling, devices, warm-up."""
