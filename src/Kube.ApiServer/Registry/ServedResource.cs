using Kube.Types;

namespace Kube.ApiServer;

/// <summary>One resource under one version: what a URL leads to. Versions of a custom resource share their objects.</summary>
internal sealed class ServedResource(KindStrategy strategy, Collection objects)
{
    public KindStrategy Strategy { get; } = strategy;
    public Collection Objects { get; } = objects;
    public ResourceKind Kind => Strategy.Kind;
    public string ListKind => Strategy.ListKind;

    public ReadOnlyMemory<byte> Show(StoredObject obj) => Strategy.Show(obj);
}
