"""Pictures by evolution: no gradient, only the question which of some pictures a net is surest of.

Read in this order:

    operators   how genes change: polynomial mutation, simulated binary crossover
    genome      a CPPN that grows, and its mutations
    drawn       the pictures that CPPNs draw, a population at once
    colours     from their outputs to pixels
    encoding    pictures written down pixel by pixel, or as CPPNs
    elites      MAP-Elites: each class keeps its champion
"""
