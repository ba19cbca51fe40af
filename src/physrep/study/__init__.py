"""What does a frozen video model know of heat, transport and waves, and is it more than pixels?"""
