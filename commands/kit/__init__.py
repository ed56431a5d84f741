"""What commands share: how they are found, described and read, and the words they speak in."""
