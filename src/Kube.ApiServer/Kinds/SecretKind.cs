using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class SecretKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.Secret;
    public override ImmutableArray<string> SelectableFields => ["type"];
}
