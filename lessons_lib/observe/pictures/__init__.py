"""How a thing is shown: the colours, the shapes, the layout, curves and tables."""
