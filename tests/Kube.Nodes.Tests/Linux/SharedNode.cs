namespace Kube.Nodes.Tests;

/// <summary>One node for all tests of a class.</summary>
public sealed class SharedNode : IAsyncLifetime
{
    internal NodeFixture Node { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Node = await NodeFixture.StartAsync();

    public ValueTask DisposeAsync() => Node.DisposeAsync();
}
