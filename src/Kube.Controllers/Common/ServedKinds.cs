using Kube.Client;
using Kube.Types;

namespace Kube.Controllers;

/// <summary>The kinds that exist in the cluster: those given, and one for each CustomResourceDefinition.</summary>
public sealed class ServedKinds
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ObjectKey, ResourceKind> _custom = [];
    private readonly List<Action<ResourceKind, bool>> _handlers = [];
    private readonly IReadOnlyList<ResourceKind> _builtIn;

    public ServedKinds(IReadOnlyList<ResourceKind> builtIn, Store<KubeObject> definitions)
    {
        _builtIn = builtIn;
        definitions.Subscribe(Changed);
    }

    /// <summary>Calls back for each custom kind that is served from now on (true) or no longer (false), on the thread of the store of definitions.</summary>
    public void Subscribe(Action<ResourceKind, bool> handler)
    {
        lock (_gate) _handlers.Add(handler);
    }

    public IReadOnlyList<ResourceKind> All
    {
        get { lock (_gate) return [.. _builtIn, .. _custom.OrderBy(static c => c.Key).Select(static c => c.Value)]; }
    }

    /// <summary>The kind that an owner reference means, in whatever version it is served; null when none is.</summary>
    public ResourceKind? Find(OwnerReference owner) => All.FirstOrDefault(k => k.Kind == owner.Kind && k.Group == owner.Group);

    private void Changed(StoreChange<KubeObject> change)
    {
        var kind = change.New is { } definition ? KindOf(definition) : null;
        ResourceKind? before;
        List<Action<ResourceKind, bool>> handlers;
        lock (_gate)
        {
            handlers = [.. _handlers];
            before = _custom.GetValueOrDefault(change.Key);
            if (before == kind) return;
            if (kind is null) _custom.Remove(change.Key);
            else _custom[change.Key] = kind;
        }

        foreach (var handler in handlers)
        {
            if (before is not null) handler(before, false);
            if (kind is not null) handler(kind, true);
        }
    }

    /// <summary>Null while the definition is not in force.</summary>
    private static ResourceKind? KindOf(KubeObject definition)
    {
        var spec = definition.Root.At("spec");
        var isEstablished = definition.Root.Items("status", "conditions").Any(static c => c.Text("type") == "Established" && c.Text("status") == "True");
        var version = spec.Items("versions").OrderByDescending(static v => v.Flag("storage") ?? false).FirstOrDefault(static v => v.Flag("served") ?? false).Text("name");
        return isEstablished && version is not null && spec.Text("group") is { } group && spec.Text("names", "kind") is { } kind && spec.Text("names", "plural") is { } plural
            ? new ResourceKind(group, version, kind, plural, spec.Text("scope") == "Namespaced")
            : null;
    }
}
