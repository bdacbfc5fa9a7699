"""ONWARD. Routes, next hops, attempts and bounces. Never judges a message again."""
