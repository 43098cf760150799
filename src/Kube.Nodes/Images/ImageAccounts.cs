using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Kube.Nodes.Images;

/// <summary>
/// The accounts of an image: the machine's system accounts (UID below 1000, and nobody), which its packages count on,
/// and the stand-in's users. The machine's people are no business of a pod's.
/// </summary>
public sealed class ImageAccounts
{
    private const uint FirstOrdinary = 1000;
    private const uint Nobody = 65534;

    private readonly List<ImageUser> _users;
    private readonly List<(string Name, uint Gid, List<string> Members)> _groups;

    /// <param name="passwd">The machine's /etc/passwd.</param>
    /// <param name="group">The machine's /etc/group.</param>
    public ImageAccounts(string passwd, string group, ImageContent image)
    {
        var users = image.Users.ToList();
        var groups = image.Groups.ToList();
        _users =
        [
            .. Lines(passwd, 7).Select(static f => new ImageUser(f[0], Id(f[2]), Id(f[3]), f[5], f[6], []))
                .Where(u => IsSystem(u.Uid) && !users.Exists(mine => mine.Name == u.Name || mine.Uid == u.Uid)),
            .. users,
        ];
        if (!_users.Exists(static u => u.Uid == 0)) _users.Insert(0, new ImageUser("root", 0, 0, "/root", "/bin/sh", []));
        // A root sshd parts its privileges by this account, whether or not the machine's own sshd was ever set up.
        if (!_users.Exists(static u => u.Name == "sshd")) _users.Add(new ImageUser("sshd", 74, Nobody, "/run/sshd", "/usr/sbin/nologin", []));
        _groups =
        [
            .. Lines(group, 4).Where(f => IsSystem(Id(f[2])) && !groups.Exists(g => g.Name == f[0] || g.Gid == Id(f[2]))).Select(static f => (f[0], Id(f[2]), new List<string>())),
            .. groups.Select(static g => (g.Name, g.Gid, new List<string>())),
        ];
        foreach (var user in users)
        {
            if (!_groups.Exists(g => g.Gid == user.Gid)) _groups.Add((user.Name, user.Gid, []));
            foreach (var name in user.Groups) _groups.Find(g => g.Name == name).Members?.Add(user.Name);
        }
    }

    public string Passwd => Text(_users.Select(static u => $"{u.Name}:x:{u.Uid}:{u.Gid}::{u.Home}:{u.Shell}"));

    public string Group => Text(_groups.Select(static g => $"{g.Name}:x:{g.Gid}:{string.Join(',', g.Members)}"));

    /// <summary>No password fits, and no account is locked: a root sshd turns locked ones away, keys or not.</summary>
    public string Shadow => Text(_users.Select(static u => $"{u.Name}:*:19000:0:99999:7:::"));

    public ImageUser? Find(uint uid) => _users.Find(u => u.Uid == uid);

    /// <summary>The supplementary groups that the image gives a user.</summary>
    public ImmutableArray<uint> GroupsOf(uint uid) => Find(uid) is { } user ? [.. _groups.Where(g => g.Members.Contains(user.Name)).Select(static g => g.Gid)] : [];

    /// <summary>UID and GID of <c>name</c>, <c>name:group</c>, <c>uid</c> or <c>uid:gid</c>; null when a name is unknown.</summary>
    public (uint Uid, uint Gid)? Resolve(string owner)
    {
        var parts = owner.Split(':', 2);
        var user = uint.TryParse(parts[0], CultureInfo.InvariantCulture, out var uid) ? Find(uid) : _users.Find(u => u.Name == parts[0]);
        if (user is null && !char.IsAsciiDigit(parts[0].FirstOrDefault())) return null;
        uid = user?.Uid ?? uid;
        if (parts.Length == 1) return (uid, user?.Gid ?? 0);
        if (uint.TryParse(parts[1], CultureInfo.InvariantCulture, out var gid)) return (uid, gid);
        var group = _groups.FindIndex(g => g.Name == parts[1]);
        return group < 0 ? null : (uid, _groups[group].Gid);
    }

    private static bool IsSystem(uint id) => id is < FirstOrdinary or Nobody;

    private static uint Id(string text) => uint.TryParse(text, CultureInfo.InvariantCulture, out var id) ? id : Nobody;

    private static IEnumerable<string[]> Lines(string table, int fields) => table.Split('\n').Select(static l => l.Split(':')).Where(f => f.Length == fields);

    private static string Text(IEnumerable<string> lines) => lines.Aggregate(new StringBuilder(), static (text, line) => text.Append(line).Append('\n')).ToString();
}
