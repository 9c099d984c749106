"""What proves the claims of the pages; imports faceproof and is never imported by it."""
