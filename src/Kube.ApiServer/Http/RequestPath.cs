namespace Kube.ApiServer;

/// <summary>
/// A resource URL taken apart: <c>/api/v1</c> or <c>/apis/GROUP/VERSION</c>, then <c>[/namespaces/NS]/PLURAL[/NAME[/SUBRESOURCE]]</c>.
/// </summary>
/// <param name="Plural">Null: the group version itself, which discovery answers.</param>
internal sealed record RequestPath(string Group, string Version, string? Namespace, string? Plural, string? Name, string? Subresource)
{
    public static RequestPath? Parse(string path)
    {
        var steps = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < steps.Length; i++) steps[i] = Uri.UnescapeDataString(steps[i]);
        return steps switch
        {
            ["api", var version, .. var rest] => Resource("", version, rest),
            ["apis", var group, var version, .. var rest] => Resource(group, version, rest),
            _ => null,
        };
    }

    private static RequestPath? Resource(string group, string version, string[] rest) => rest switch
    {
        // A namespace is itself a resource: /namespaces/a/status is its subresource, /namespaces/a/pods are the pods in it.
        ["namespaces", var name, "status" or "finalize"] when group.Length == 0 => new(group, version, null, "namespaces", name, rest[2]),
        ["namespaces", var ns, var plural, .. var tail] => Tail(group, version, ns, plural, tail),
        [var plural, .. var tail] => Tail(group, version, null, plural, tail),
        _ => new(group, version, null, null, null, null),
    };

    private static RequestPath? Tail(string group, string version, string? ns, string plural, string[] tail) => tail switch
    {
        [] => new(group, version, ns, plural, null, null),
        [var name] => new(group, version, ns, plural, name, null),
        [var name, .. var sub] => new(group, version, ns, plural, name, string.Join('/', sub)),
    };
}
