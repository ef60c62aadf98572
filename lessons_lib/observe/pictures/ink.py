"""The colours of what is drawn, on a light sheet: an image does not know the theme of its page.

Where the theme is dark the whole image is turned dark by a filter; see `drawing`.
"""

BLUE = "#0072B2"
VERMILION = "#D55E00"
VERMILION_TEXT = "#A84A00"
"""The same hue, dark enough for small letters on paper."""

INK = "#1F2428"
GREY = "#5F676E"
PALE = "#8B939A"
LINE = "#D5D9DD"
WASH = "#EEF0F2"
PAPER = "#FDFDFC"
WHITE = "#FFFFFF"
