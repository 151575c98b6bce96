"""``inspector-train report``: what is known of a bundle, on one page that needs nothing else, and as JSON.

``facts`` gathers, ``words`` says it in sentences, ``charts`` and ``pictures`` draw, ``page`` puts it together.
"""
