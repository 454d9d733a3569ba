"""Fault injection: a cluster of real processes, traffic that writes down what it saw, and a checker."""
