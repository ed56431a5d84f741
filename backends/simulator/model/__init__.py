"""What a simulated host is: VMs, checkpoints, disks, volumes, the time that passes over them, and what goes wrong."""
