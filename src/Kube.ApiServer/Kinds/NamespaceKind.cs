using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class NamespaceKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.Namespace;
    public override ImmutableArray<string> ShortNames => ["ns"];
    public override bool HasStatus => true;
}
