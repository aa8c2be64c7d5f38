"""What units do on images: maps, occlusion, top patches."""
