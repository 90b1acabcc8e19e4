"""Looking at a computation: its picture, and where its time and memory go."""
