"""The site: a Django project. Everything that touches the database or a browser."""

__version__ = "0.1.0"
