using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class ServiceKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.Service;
    public override ImmutableArray<string> ShortNames => ["svc"];
    public override ImmutableArray<string> Categories => ["all"];
    public override bool HasStatus => true;
    public override bool ReturnsDeletedObject => true;
}
