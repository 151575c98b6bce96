"""Measurement system analysis: how well appraisers, the daemon and people, agree with a reference and with each other.

The attribute agreement study of the AIAG's Measurement Systems Analysis, 4th edition (2010), chapter III, section C.
"""
