"""What several test files share: small data, planted worlds, readers of pages, stand-ins for encoders and servers."""
