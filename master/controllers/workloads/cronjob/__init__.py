"""Starts the Jobs of CronJobs when their time has come."""
