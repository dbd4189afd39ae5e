"""S3 inventory gateway: an S3 endpoint that gates S3 Inventory configurations.

The code stands in rings that only point inwards::

    cli -> app -> pipeline | adapters -> core

`core` is pure, `pipeline` tells the story of a request in terms of ports, `adapters` speak to the
world, `app` wires, `cli` is for people. Start with `gateway/pipeline/gate.py`.
"""

__version__ = "0.1.0"
