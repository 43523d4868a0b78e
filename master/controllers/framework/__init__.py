"""What every controller runs on: informers, queues and workers, expectations, and the pods that it makes once."""
