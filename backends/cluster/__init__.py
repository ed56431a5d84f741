"""A failover cluster as one `Backend`: its VMs belong to it, and each call goes to the node that the VM is on."""
