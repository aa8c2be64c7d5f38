"""The normal distribution's tail: an exponential and a polynomial, because NumPy and Numba have no fast erf.

The share beyond a >= 0 falls like exp(-a^2 / 2) / a. What is left when that is divided out is nearly a straight line in

    t = 4 / (4 + a)        1 at a = 0, towards 0 far out

so that a polynomial of s = 2 t - 1, between -1 and 1, gives it for all a at once:

    share beyond a  =  exp(-a^2 / 2) * t * (c[0] + c[1] s + c[2] s^2 + ...)

The coefficients are the Chebyshev series at 34 digits, cut off where the rest is below the precision, written out in
powers of s: none is above 0.2, so no digits cancel.
"""

from __future__ import annotations

SINGLE = (
    0.1888212817838964, 0.15197410095365885, 0.09678439072771228, 0.046631677717931246, 0.01509882396748923,
    0.0018780578454378864, -0.0008690419737272348, -0.00039094672470663236, 3.233142033519063e-05,
    3.9330142396142015e-05,
)  # fmt: skip
DOUBLE = (
    0.18882128260393785, 0.15197416049297324, 0.09678435018555664, 0.046630464489894656, 0.015099143722590398,
    0.0018850472422234682, -0.000869923089165682, -0.0004077046213743612, 3.33360523139551e-05, 5.7773784481342e-05,
    -4.769191260284846e-07, -8.786400709267595e-06, 1.7865090178767517e-07, 1.4807237025854953e-06,
    -1.5623949120634835e-07, -2.567463684143266e-07, 6.618433049511793e-08, 4.055819933371041e-08,
    -1.969660036878744e-08, -4.892537159047356e-09, 4.017153622553938e-09, 3.1933548803977393e-10,
    -4.222224068391634e-10,
)  # fmt: skip

# In single precision the share below x itself needs no exponential. Up to |x| = EDGE, within 1e-8,
#
#     share below x - 1/2  =  x * (ABOVE[0] + ABOVE[1] x^2 + ...) / (BELOW[0] + BELOW[1] x^2 + ...)
#
# and beyond it is the value at the edge. The quotient is the one of this degree that is nowhere far off.
EDGE = 5.5
ABOVE = (
    0.3989422346371829,
    0.0338526223892493,
    0.004677259278234108,
    0.00016882544197375547,
    6.352115949459628e-06,
    2.274941877206104e-08,
)
BELOW = (
    1.0,
    0.2515218589558299,
    0.028645857969194513,
    0.0018844435524271593,
    7.364742648595661e-05,
    1.1975053914727585e-06,
)
