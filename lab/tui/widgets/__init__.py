"""What screens are made of: each widget gets its data by constructor or attribute and posts messages."""
