namespace EndToEnd;

/// <summary>Runs share this machine's cores: one after the other.</summary>
[CollectionDefinition("this machine", DisableParallelization = true)]
public sealed class ThisMachine;
