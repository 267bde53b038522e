"""The Hugging Face Hub by its own client: what datasets and models both need of it."""
