using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class ResourceQuotaKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.ResourceQuota;
    public override ImmutableArray<string> ShortNames => ["quota"];
    public override bool HasStatus => true;
    public override bool ReturnsDeletedObject => true;
}
