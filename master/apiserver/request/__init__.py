"""What a request is: who asks for what, how its URL is read, and how its errors are named."""
