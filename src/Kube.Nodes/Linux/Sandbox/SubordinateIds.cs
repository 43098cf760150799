using System.Diagnostics;
using System.Globalization;

namespace Kube.Nodes.Linux;

/// <summary>The ranges of user and group IDs that /etc/subuid and /etc/subgid give to an ordinary user.</summary>
internal static class SubordinateIds
{
    /// <summary>UIDs below this exist in pods when a range is used. A shorter range than this less one is not used.</summary>
    public const int Count = 65536;

    /// <summary>The first ID of a line <c>user:first:count</c> (user by name or UID) that is long enough, or null.</summary>
    public static uint? Find(string table, string userName, uint userId)
    {
        foreach (var line in table.Split('\n'))
        {
            var fields = line.Trim().Split(':');
            if (fields.Length != 3 || (fields[0] != userName && fields[0] != userId.ToString(CultureInfo.InvariantCulture))) continue;
            if (uint.TryParse(fields[1], CultureInfo.InvariantCulture, out var first) && uint.TryParse(fields[2], CultureInfo.InvariantCulture, out var count) && count >= Count - 1) return first;
        }

        return null;
    }

    /// <summary>Whether this user has both ranges and the two programs that put them to use.</summary>
    public static bool Available => Ranges() is not null && Tool.Find("newuidmap") is not null && Tool.Find("newgidmap") is not null;

    /// <summary>Starts a process in a new user namespace with the whole range; it lives until its input closes.</summary>
    public static async Task<Process> HoldUserNamespaceAsync(TimeProvider time, CancellationToken cancellation)
    {
        var (firstUid, firstGid) = Ranges() ?? throw new SandboxException("no range in /etc/subuid and /etc/subgid");
        var holder = Tool.Start(["unshare", "--user", "sh", "-c", "echo; read -r end"]);
        try
        {
            if (await holder.StandardOutput.ReadLineAsync(cancellation) is null) throw new SandboxException((await holder.StandardError.ReadToEndAsync(cancellation)).Trim());
            await MapAsync("newuidmap", LibC.GetEffectiveUserId(), firstUid);
            await MapAsync("newgidmap", LibC.GetEffectiveGroupId(), firstGid);
            return holder;
        }
        catch
        {
            holder.StandardInput.Close();
            holder.Dispose();
            throw;
        }

        async Task MapAsync(string program, uint own, uint first)
        {
            var map = await Tool.RunAsync([program, Text((uint)holder.Id), "0", Text(own), "1", "1", Text(first), Text(Count - 1)], TimeSpan.FromSeconds(10), time, cancellation);
            if (map.ExitCode != 0) throw new SandboxException($"{program}: {map.Output.Trim()}");
        }

        static string Text(uint value) => value.ToString(CultureInfo.InvariantCulture);
    }

    private static (uint Uid, uint Gid)? Ranges()
    {
        var name = Environment.UserName;
        var uid = LibC.GetEffectiveUserId();
        return Find(ProcessTree.Read("/etc/subuid") ?? "", name, uid) is { } users && Find(ProcessTree.Read("/etc/subgid") ?? "", name, uid) is { } groups ? (users, groups) : null;
    }
}
