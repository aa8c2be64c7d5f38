"""Style transfer: a picture with the content of one picture and the textures of others.

Read in this order:

    statistics   what a style is: means and products of feature maps, all places alike
    terms        what is made small: the distance of a node's output, or of its statistics, from a target
    loss         all terms together: value and gradient of one picture
    methods      L-BFGS, Adam and Adagrad with one face: a state to start from, a step, a larger picture
    scales       from coarse to fine: which sizes, one after another
    colours      the photo's own colours, before or after
    closed_form  the same statistics set at once, and decoded
"""
