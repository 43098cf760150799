using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Kube.ApiServer;

internal sealed class LimitRangeKind : KindStrategy
{
    public override ResourceKind Kind => Kinds.LimitRange;
    public override ImmutableArray<string> ShortNames => ["limits"];
    public override ImmutableArray<TableColumn> Columns => [TableColumn.Text("Created At", static l => l.Text("metadata", "creationTimestamp"))];
}
