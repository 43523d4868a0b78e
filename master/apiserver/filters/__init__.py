"""What every request passes before its handler runs: the chain of limits, audit, authorization and metrics."""
