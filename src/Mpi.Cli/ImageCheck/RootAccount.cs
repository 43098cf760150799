using System.Collections.Immutable;
using System.Globalization;

namespace Mpi.Cli;

/// <summary>A line of <c>/etc/passwd</c>: <c>user:x:1000:1000::/home/user:/bin/bash</c>.</summary>
public sealed record RootAccount(string Name, long Uid, string Home, string Shell)
{
    /// <summary>From here on accounts are people's (login.defs, UID_MIN), up to where nobody is.</summary>
    private const long FirstOrdinary = 1000;

    private const long Nobody = 65534;

    public bool IsOrdinary => Uid is >= FirstOrdinary and not Nobody;

    public static ImmutableArray<RootAccount> Read(RootFiles files) =>
    [
        .. files.Lines("/etc/passwd").Select(static line => line.Split(':'))
            .Where(static fields => fields.Length >= 7 && long.TryParse(fields[2], NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .Select(static fields => new RootAccount(fields[0], long.Parse(fields[2], CultureInfo.InvariantCulture), fields[5], fields[6].Length > 0 ? fields[6] : "/bin/sh")),
    ];

    /// <summary>
    /// Who a container runs as: a name, a UID or <c>uid:gid</c>; where nobody says, the image's own user, else its first ordinary account, else root.
    /// A UID without an account has no name, home or shell.
    /// </summary>
    /// <exception cref="ArgumentException">A name that the image does not know.</exception>
    public static RootAccount Choose(RootFiles files, string? asked)
    {
        var accounts = Read(files);
        var wanted = (asked ?? files.ImageUser).Split(':')[0];
        if (wanted.Length == 0) return accounts.Where(static a => a.IsOrdinary).MinBy(static a => a.Uid) ?? accounts.FirstOrDefault(static a => a.Uid == 0) ?? new RootAccount("root", 0, "/root", "/bin/sh");
        if (!long.TryParse(wanted, NumberStyles.None, CultureInfo.InvariantCulture, out var uid)) return accounts.FirstOrDefault(a => a.Name == wanted) ?? throw new ArgumentException($"the image has no user {wanted}");
        return accounts.FirstOrDefault(a => a.Uid == uid) ?? new RootAccount("", uid, "", "");
    }

    public override string ToString() => Name.Length > 0 ? string.Create(CultureInfo.InvariantCulture, $"{Name} (UID {Uid}, home {Home})") : string.Create(CultureInfo.InvariantCulture, $"UID {Uid}");
}
