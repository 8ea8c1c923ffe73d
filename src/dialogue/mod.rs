//! What the conversation does next: ask, confirm, perform, answer.
