using System.Collections.Immutable;

namespace Kube.Nodes.Linux;

/// <summary>Everything that is needed to start one container; nothing in it is looked up later.</summary>
internal sealed record ContainerSpec
{
    public required string Name { get; init; }

    /// <summary>The program and its arguments, variables expanded.</summary>
    public required ImmutableArray<string> Command { get; init; }

    /// <summary>The whole environment. Names need not be ones that a shell could assign.</summary>
    public required ImmutableArray<KeyValuePair<string, string>> Environment { get; init; }

    public required string WorkingDirectory { get; init; }
    public required ContainerUser User { get; init; }

    /// <summary>The capabilities that can be had in the container, such as <c>chown</c>; null means all (<c>privileged</c>).</summary>
    public ImmutableArray<string>? Capabilities { get; init; } = DefaultCapabilities;

    /// <summary><c>allowPrivilegeEscalation: false</c>.</summary>
    public bool NoNewPrivileges { get; init; }

    /// <summary><c>stdin: true</c>: the command's input stays open for whoever attaches; otherwise it is empty.</summary>
    public bool Input { get; init; }

    /// <summary><c>stdinOnce: true</c>: the input ends with the first who attached to it.</summary>
    public bool InputOnce { get; init; }

    /// <summary><c>tty: true</c>: the command has a terminal rather than pipes.</summary>
    public bool Terminal { get; init; }

    public bool ReadOnlyRoot { get; init; }

    /// <summary>What holds the container, and whatever is run in it later, to its limits; null where nothing does.</summary>
    public ContainerGroup? Group { get; init; }

    /// <summary>Owners of paths in the container, applied before anything is mounted.</summary>
    public ImmutableArray<PathOwner> Owners { get; init; } = [];

    public string SearchPath => Environment.LastOrDefault(static e => e.Key == "PATH").Value ?? Tool.SearchPath;

    /// <summary>What container runtimes grant without being asked.</summary>
    public static readonly ImmutableArray<string> DefaultCapabilities =
    [
        "audit_write", "chown", "dac_override", "fowner", "fsetid", "kill", "mknod", "net_bind_service", "net_raw", "setfcap", "setgid", "setpcap", "setuid", "sys_chroot",
    ];
}

/// <param name="Groups">The supplementary groups.</param>
internal sealed record ContainerUser(uint Uid, uint Gid, ImmutableArray<uint> Groups)
{
    public bool Equals(ContainerUser? other) => other is not null && Uid == other.Uid && Gid == other.Gid && Groups.AsSpan().SequenceEqual(other.Groups.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Uid, Gid, Groups.Length);
}

/// <param name="Path">A path in the container; links are not followed.</param>
internal sealed record PathOwner(string Path, uint Uid, uint Gid, bool Recursive);
