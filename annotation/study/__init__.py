"""The simulated study: drawn faces whose truth is known, for demonstration, tests, benchmarks."""
